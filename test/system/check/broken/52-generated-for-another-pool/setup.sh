echo 'pools: { intranet: {}, shop: {} }' >> zope-failover.yaml
$ZF apache-conf --pool shop --config "$PWD/zope-failover.yaml" > generated.conf
sed -i '/^pools/d' zope-failover.yaml

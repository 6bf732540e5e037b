$ZF apache-conf --config "$PWD/zope-failover.yaml" > generated.conf
sed -i 's/^ProxyTimeout .*/ProxyTimeout 600/' generated.conf
touch -d '1 hour ago' zope-failover.yaml

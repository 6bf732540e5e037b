$ZF apache-conf --style txt --config "$PWD/zope-failover.yaml" > generated.conf
rm run/zope-failover.map

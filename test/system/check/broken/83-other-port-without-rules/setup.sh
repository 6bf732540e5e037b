$ZF apache-conf --config "$PWD/zope-failover.yaml" > generated.conf

$ZF apache-conf --config "$PWD/zope-failover.yaml" > generated.conf
mkdir -p .well-known/acme-challenge

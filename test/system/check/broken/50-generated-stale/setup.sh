$ZF apache-conf --config "$PWD/zope-failover.yaml" > generated.conf
echo '  zope3: http://127.0.0.1:8083' >> zope-failover.yaml
touch -d '1 hour ago' generated.conf

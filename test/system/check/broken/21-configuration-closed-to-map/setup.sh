# needs root
chmod 640 zope-failover.yaml
chown nobody run

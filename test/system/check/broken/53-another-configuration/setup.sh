cp zope-failover.yaml old.yaml

cat >>zope-failover.yaml <<EOF
probe: { ca: $PWD/ca.pem }
EOF
sed -i 's|zope2: http:|zope2: https:|' zope-failover.yaml

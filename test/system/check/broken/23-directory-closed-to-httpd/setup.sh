# needs root
chmod 700 run
chown nobody run

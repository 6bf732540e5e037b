chmod +x httpd.sh

echo $TEST_PID > httpd.pid
touch -d '1 hour' httpd.pid

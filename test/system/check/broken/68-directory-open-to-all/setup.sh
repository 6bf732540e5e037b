chmod 777 run

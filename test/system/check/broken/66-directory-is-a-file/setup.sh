rm -r run
touch run

rm -r run

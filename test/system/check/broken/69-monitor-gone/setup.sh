rm run/monitor.json

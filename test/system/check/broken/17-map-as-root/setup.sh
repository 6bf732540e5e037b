# needs root

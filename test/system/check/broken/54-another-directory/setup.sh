mkdir old
chown --reference=run old

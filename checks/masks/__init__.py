"""Area D: masked and read-only parts of /proc and /sys."""

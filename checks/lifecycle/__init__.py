"""Area M: process 1, descriptors, exit statuses, and what a removal leaves."""

"""Who the hosts are: inventories of every format, their groups, variables and patterns.

Whatever the format, the outcome is one ``Inventory`` of hosts and groups. This room reads files and
runs an executable inventory; it never connects, and never knows what is done to the hosts.
"""

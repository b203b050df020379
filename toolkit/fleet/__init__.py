"""Many hosts at once: links to them, and one function run over all of them.

It knows inventories and connections, and that hosts fail one by one. It must never know what is
done on a host: the function that it runs comes from above.
"""

"""What `harvester dev` of every adapter needs: a daemon as a process, its folder, a backend, an end by Ctrl-C.

No adapter, and no part of the core: adapters may import it, and it imports of the core what they may.
"""

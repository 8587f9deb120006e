"""What `harvester dev` of every adapter needs: a daemon as a process, a folder for it, a backend, an end by Ctrl-C."""

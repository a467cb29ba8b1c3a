"""Hundreds of hosts that are an sshd each and repeat what lab hosts have said: what a run costs this side."""

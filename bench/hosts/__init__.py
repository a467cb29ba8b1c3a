"""The host layer on lab hosts: this code, the code before issue G, Ansible, and one SSH command a host."""

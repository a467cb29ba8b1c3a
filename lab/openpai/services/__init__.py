"""The programs of the stand-in services. They run in the lab's images, where this folder is the package `services`:

standard library and PyYAML only, imports within the package relative, one module a program (`python3 -m services.X`).
"""

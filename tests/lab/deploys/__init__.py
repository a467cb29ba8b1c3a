"""Deploys of the tests alone, which pyinfra runs on lab hosts as it runs deploy.py."""

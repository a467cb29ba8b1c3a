"""Waits until every container of the pods with a label is ready: -w -k app -v NAME, in upstream's words."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

EVERY = 2
"""Seconds between looks; upstream's are 10."""


def ready(key: str, value: str) -> bool:
    """Whether there are pods with the label, and all of their containers are ready."""
    argv = ["kubectl", "get", "pods", "--all-namespaces", "-l", f"{key}={value}", "-o", "json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"Exception when calling CoreV1Api->list_pod_for_all_namespaces: {done.stderr.strip()}", flush=True)
        return False
    pods = json.loads(done.stdout)["items"]
    statuses = [pod["status"].get("containerStatuses") for pod in pods]
    return bool(pods) and all(found and all(one["ready"] for one in found) for found in statuses)


def main() -> None:
    """Wait; status 1 after the timeout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-w", "--wait_service", action="store_true")
    parser.add_argument("-k", "--label-key", required=True)
    parser.add_argument("-v", "--label-value", required=True)
    parser.add_argument("-t", "--timeout", type=int, default=3600)
    args = parser.parse_args()
    left = args.timeout
    while not ready(args.label_key, args.label_value):
        if not args.wait_service:
            sys.exit(f"{args.label_value} is not ready yet!")
        print(f"{args.label_value} is not ready yet. Please wait for a moment!", flush=True)
        time.sleep(EVERY)
        left -= EVERY
        if left < 0:
            print(f"An issue occure when starting up {args.label_value}", flush=True)
            sys.exit(1)
    print(f"{args.label_value} is ready!", flush=True)


if __name__ == "__main__":
    main()

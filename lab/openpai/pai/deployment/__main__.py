"""paictl's command line: `config push|pull|get-id` and `service start|stop|delete|refresh`, with upstream's options."""

from __future__ import annotations

import argparse
import logging
import logging.handlers
import sys
from collections.abc import Callable

from . import configuration, services
from .services import Services

logger = logging.getLogger(__name__)
FORMAT = "%(asctime)s [%(levelname)s] - %(name)s : %(message)s"
TRIES = 3
RULE = "-" * 56
WARNING = """\
{rule}
----------     Dangerous Operation!!!    ---------------
------     The target service will be stopped    -------
------    And the persistent data on the disk    -------
-------             will be deleted             --------
{rule}
--------     It's an irreversible operation      -------
------ the deleted service data is unrecoverable -------
{rule}"""


def push(args: argparse.Namespace) -> None:
    """Write the configuration in a folder into the cluster."""
    files = ["config.yaml", "layout.yaml", "services-configuration.yaml"]
    if args.push_mode == "all":
        files += ["k8s-role-definition.yaml", "kubernetes-configuration.yaml"]
    configuration.push(args.cluster_conf_path, args.kube_config_path, files)


def pull(args: argparse.Namespace) -> None:
    """Write the cluster's configuration into a folder."""
    configuration.download(args.config_output_path, args.kube_config_path)


def get_id(args: argparse.Namespace) -> None:
    """Say the cluster's id."""
    found = configuration.cluster_id(args.kube_config_path)
    missing = "Cluster-id hasn't been set. You could set it when push the cluster configuration into cluster."
    logger.info("Cluster-id is: %s" if found else "%s", found or missing)


def manage(work: Callable[[Services, list[str]], None]) -> Callable[[argparse.Namespace], None]:
    """A command over services: those of -n, or all but those of -k."""

    def run(args: argparse.Namespace) -> None:
        if work is Services.delete and not confirmed():
            return
        managed = Services(configuration.model(args.kube_config_path), args.kube_config_path)
        names = args.service_list or [name for name in services.known() if name not in (args.skip_service_list or [])]
        logger.info("Get the service-list to manage : %s", names)
        work(managed, names)

    return run


def confirmed() -> bool:
    """Whether the person says Y, in three tries."""
    for line in WARNING.format(rule=RULE).splitlines():
        logger.warning(line)
    for _ in range(TRIES):
        answer = input("Do you want to continue this operation? (Y/N) ")
        if answer in ("Y", "N"):
            return answer == "Y"
        print(" Please type Y or N.")
    logger.warning("3 Times.........  Sorry,  we will force stopping your operation.")
    return False


def parser() -> argparse.ArgumentParser:
    """All commands."""
    top = argparse.ArgumentParser(prog="paictl.py")
    groups = top.add_subparsers(help="paictl operations", required=True)
    config = groups.add_parser("config").add_subparsers(help="configuration operations", required=True)
    service = groups.add_parser("service").add_subparsers(help="service operations", required=True)
    for name, handler in (("push", push), ("pull", pull), ("get-id", get_id)):
        command = config.add_parser(name)
        command.add_argument("-c", "--kube-config-path", default="~/.kube/config")
        command.set_defaults(handler=handler)
        if name == "push":
            command.add_argument("-p", "--cluster-conf-path", required=True)
            command.add_argument("-m", "--push-mode", default="all", choices=["all", "service"])
        if name == "pull":
            command.add_argument("-o", "--config-output-path", required=True)
    for name, work in Services.COMMANDS.items():
        command = service.add_parser(name)
        command.add_argument("-c", "--kube-config-path", default="~/.kube/config")
        chosen = command.add_mutually_exclusive_group()
        chosen.add_argument("-n", "--service-list", nargs="+")
        chosen.add_argument("-k", "--skip-service-list", nargs="+")
        command.set_defaults(handler=manage(work))
    return top


def main() -> None:
    """Run one command, with a log on standard output and in info.log and errors.log."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    for name, level in (("info.log", logging.INFO), ("errors.log", logging.ERROR)):
        file = logging.handlers.RotatingFileHandler(name, maxBytes=10 << 20, backupCount=20, encoding="utf8")
        file.setLevel(level)
        handlers.append(file)
    logging.basicConfig(level=logging.INFO, format=FORMAT, handlers=handlers)
    args = parser().parse_args()
    args.handler(args)


if __name__ == "__main__":
    main()

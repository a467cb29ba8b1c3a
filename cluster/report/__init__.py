"""The report of a cluster, for people who look rather than read: reports/NAME, whatever deploy and checks found."""

from cluster.report.files import private_folder, renewed, save, write

"""The workloads by name, in the order of the table."""

from bench import cat, mnist, planar, shallow, tabular

WORKLOADS = {
    module.WORKLOAD.name: module.WORKLOAD for module in (shallow, planar, cat, tabular, mnist)
}

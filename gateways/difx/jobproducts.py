"""Where the live products of an input file come from: the profile of its job says so."""

from __future__ import annotations

from gateways.difx.errors import FileFault, FileFaultError, MonitorError
from gateways.difx.jobrun import filled, job_places
from gateways.difx.livesources import LiveBanks, LiveProgram
from gateways.difx.protocol.jobs import INPUT_SUFFIX, JobMode, JobRequest, job_name
from gateways.difx.service import DifxService

__all__ = ["find_products"]


def find_products(service: DifxService, path: str, profile: str = "") -> LiveProgram | LiveBanks:
    """Return where the products of a job come from. Looks at files: call it in a thread.

    Args:
        service: The gateway.
        path: Of the input file, in the clients' "/".
        profile: Runner profile that the client has chosen; that of the job's run counts first.

    Raises:
        FileFaultError: There is no such file inside the roots.
        JobError: There is no such profile.
        MonitorError: The profile tells no products.
    """
    place = service.files.roots.existing(path)
    if not path.endswith(INPUT_SUFFIX) or not place.name or not place.real.is_file():
        raise FileFaultError(f"{path:.300}: is no input file of a job", FileFault.NOT_FOUND)
    job = service.jobs.active(path) or service.jobs.last(path)
    request = JobRequest(input=path, profile=profile, mode=JobMode.MONITOR)
    if job is not None:
        request = job.request
    runner = service.runner(request.profile)
    if runner.banks is not None:
        urls = tuple((name, service.players.url(name)) for name in runner.banks)
        return LiveBanks(urls, job_name(path))
    if runner.products is None:
        raise MonitorError(
            f"profile {request.profile or service.profiles[0]} tells no live products: it has neither "
            "`products` nor `banks`"
        )
    command = filled(runner.products, job_places(request, place))
    return LiveProgram(tuple(command), place.folder)

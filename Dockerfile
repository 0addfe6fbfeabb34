# One image for every process of Citewire: the compose file says which command each service runs.
# The base is named by its digest, which CI's updates keep up with.
# No secret and no setting is built in; what a container writes goes to the two folders under /srv/citewire.

FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/citewire
WORKDIR /src
# The dependencies first: they change less often than the program, so their layer is kept.
# LOCK=requirements-extras.lock adds what the optional settings of [telemetry] need.
ARG LOCK=requirements.lock
COPY requirements.lock requirements-extras.lock ./
RUN /opt/citewire/bin/python -m pip install --require-hashes --no-deps -r "$LOCK"
COPY pyproject.toml README.md ./
COPY pipeline ./pipeline
COPY workers ./workers
COPY config ./config
RUN /opt/citewire/bin/python -m pip install --no-deps --no-build-isolation . \
 && /opt/citewire/bin/python -m pip check \
 && /opt/citewire/bin/python -m compileall -q -j 0 /opt/citewire/lib \
 && /opt/citewire/bin/python -m pip uninstall --yes --quiet setuptools pip

FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
# A number, so that platforms which refuse root can tell; the folders are made here, because a new volume takes over
# their owner.
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip \
 && groupadd --system --gid 10001 citewire \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin citewire \
 && install -d -o 10001 -g 10001 -m 0750 /srv/citewire/data /srv/citewire/renditions
COPY --from=build /opt/citewire /opt/citewire
ENV PATH=/opt/citewire/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CITEWIRE_DATA=/srv/citewire/data \
    CITEWIRE_STORE_URL=/srv/citewire/renditions
WORKDIR /srv/citewire
USER 10001:10001
ENTRYPOINT ["citewire"]
CMD ["--help"]

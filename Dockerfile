# The sidecar in a container. The first stage installs, compiles, and gathers what it takes to run; the second is that and
# nothing else: no shell, no pip, no compiler. docs/howto/docker.md says how to run it.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# Where packages come from, for builders that may not reach the usual place: --build-arg PIP_INDEX_URL=…
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --no-compile --require-hashes -r requirements.lock -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY sidecar sidecar
COPY deploy/image/gather.py ./
RUN python -m pip --python /venv/bin/python install --no-compile --no-deps --no-build-isolation . \
 && python -m pip --python /venv/bin/python uninstall --yes flit-core \
 && python gather.py /image /venv

FROM scratch
ARG REVISION=unknown
LABEL org.opencontainers.image.title="drone-webhook-sidecar" \
      org.opencontainers.image.description="Sends the webhooks of a CI server, signed, and loses none that it has acknowledged" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image /
COPY --from=build /venv /venv
ENV PATH=/venv/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    SIDECAR_DATA_DIR=/var/lib/sidecar SIDECAR_SOCKET=/run/sidecar/sidecar.sock
# Group 0 may write what uid 10001 may: a platform that runs it under a uid of its own (OpenShift) gives it that group.
RUN ["python", "-c", "import os\nfor path, mode, uid in (('/tmp', 0o1777, 0), ('/var/lib/sidecar', 0o770, 10001), ('/run/sidecar', 0o770, 10001)):\n    os.makedirs(path, exist_ok=True)\n    os.chmod(path, mode)\n    os.chown(path, uid, 0)"]
USER 10001:0
VOLUME ["/var/lib/sidecar", "/run/sidecar"]
# The admin listener, and what forges and Drone post to: where SIDECAR_ADMIN_LISTEN and SIDECAR_LISTEN open them.
EXPOSE 8484 8485
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["sidecar", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["sidecar"]
CMD ["serve"]

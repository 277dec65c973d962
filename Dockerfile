# The sidecar in a container. Two stages: the first resolves and compiles, the second only runs.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --require-hashes -r requirements.lock -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY sidecar sidecar
RUN python -m pip --python /venv/bin/python install --no-deps --no-build-isolation . \
 && python -m pip --python /venv/bin/python uninstall --yes flit-core \
 && python -m compileall -q /venv/lib

FROM ${BASE}
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    SIDECAR_DATA_DIR=/var/lib/sidecar SIDECAR_SOCKET=/run/sidecar/sidecar.sock
RUN install -d -m 0770 -o 10001 -g 0 /var/lib/sidecar /run/sidecar
USER 10001:0
VOLUME ["/var/lib/sidecar", "/run/sidecar"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["sidecar", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["sidecar"]
CMD ["serve"]

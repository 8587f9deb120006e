# syntax=docker/dockerfile:1
# The daemon with the TON adapter; PostgreSQL is outside (POSTGRES_URI). Settings: environment variables.
# `--target site` is the TON site's reverse proxy instead, which forwards to a daemon (docs/how-to/ton-site.md).
ARG PYTHON=3.13
ARG SITE_PROXY=v0.4.6

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements/constraints.txt requirements/
COPY pyproject.toml README.md ./
COPY harvester harvester
COPY adapters adapters
COPY migrations migrations
RUN pip wheel --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/harvester \
 && /opt/harvester/bin/pip install --constraint requirements/constraints.txt "$(ls /wheels/harvester-*.whl)[ton]" \
 && /opt/harvester/bin/pip uninstall --yes pip

FROM python:${PYTHON}-slim AS daemon
RUN useradd --system --uid 10001 --home-dir /var/lib/harvester --create-home harvester
COPY --from=build /opt/harvester /opt/harvester
# Inside a container the loopback interface reaches nobody: what is published is decided where the container is run.
ENV PATH=/opt/harvester/bin:$PATH \
    HOST=0.0.0.0 \
    DATA_DIR=/var/lib/harvester
USER harvester
WORKDIR /var/lib/harvester
EXPOSE 8081
STOPSIGNAL SIGTERM
# Alive, not ready: a container that waits for its database or its nodes is well, and starting it again helps nobody.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "\
import os, urllib.request; \
port = os.environ.get('HARVESTER_PORT') or os.environ.get('PORT') or '8081'; \
urllib.request.urlopen(f'http://127.0.0.1:{port}/livez', timeout=4)"]
ENTRYPOINT ["harvester"]
CMD ["run"]

# Not newer than the Debian of the image below, whose C library it uses.
FROM golang:1.26-bookworm AS proxy
ARG SITE_PROXY
RUN git clone --depth 1 --branch "$SITE_PROXY" https://github.com/tonutils/reverse-proxy /src
WORKDIR /src
RUN go build -trimpath -ldflags "-s -w -X main.GitCommit=$SITE_PROXY" -o /tonutils-reverse-proxy ./cmd/proxy

FROM daemon AS site
COPY --from=proxy /tonutils-reverse-proxy /usr/local/bin/
# The configuration holds the site's private key. It is written at each start; `compose.yaml` keeps it in memory.
USER root
RUN install --directory --owner harvester --mode 0700 /run/site
USER harvester
WORKDIR /run/site
HEALTHCHECK NONE
EXPOSE 3333/udp
ENTRYPOINT ["sh", "-c", "harvester site config && exec tonutils-reverse-proxy"]
CMD []

# What is built if no target is named.
FROM daemon

# syntax=docker/dockerfile:1
# The daemon with all adapters; PostgreSQL is outside (POSTGRES_URI). Settings: environment variables.
# `--target chain` is the local chain instead (docs/local-chain.md), `--target site` the TON site's reverse proxy, which
# forwards to a daemon (docs/how-to/ton-site.md).
ARG PYTHON=3.13
ARG DEBIAN=trixie
ARG SITE_PROXY=v0.4.6

# The library with which a buyer pays from the payment page.
FROM node:22-slim AS tonconnect
COPY scripts/tonconnect /usr/local/bin/
RUN tonconnect /tonconnect

FROM python:${PYTHON}-slim-${DEBIAN} AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY pyproject.toml README.md ./
COPY migrations migrations
COPY adapters adapters
COPY harvester harvester
COPY --from=tonconnect /tonconnect harvester/api/static/tonconnect
RUN pip wheel --no-deps --wheel-dir /wheels .

# The emulator proves whose a jetton wallet is. Its wheel is for an older Python, but the native library in it serves all;
# other processors do without.
FROM python:${PYTHON}-slim-${DEBIAN} AS daemon-environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# As in the Makefile.
ARG TVM=pytvm==0.0.14
COPY requirements/constraints.txt /
COPY --from=wheel /wheels /wheels
RUN python -m venv --without-pip /opt/harvester \
 && pip --python /opt/harvester/bin/python install --constraint /constraints.txt \
      "$(ls /wheels/harvester-*.whl)[ton,tari,docs]"
# hadolint ignore=DL3013
RUN if [ "$(uname -m)" = x86_64 ]; then \
      pip install --no-deps --only-binary=:all: --python-version 3.11 --implementation cp \
        --platform manylinux_2_27_x86_64 \
        --target "$(/opt/harvester/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')" "$TVM"; \
    fi

FROM daemon-environment AS chain-environment
RUN pip --python /opt/harvester/bin/python install --constraint /constraints.txt tonutils

FROM python:${PYTHON}-slim-${DEBIAN} AS runtime
LABEL org.opencontainers.image.title="Harvester" \
      org.opencontainers.image.description="Payment daemon: watches wallets it cannot spend from, proves payments, settles invoices once, tells the merchant"
RUN groupadd --system --gid 10001 harvester \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/harvester --create-home harvester \
 && install --directory --owner harvester --group harvester --mode 0755 /chain \
 && install --directory --owner harvester --group harvester --mode 0700 /run/site
ENV PATH=/opt/harvester/bin:$PATH
USER 10001:10001
WORKDIR /var/lib/harvester
STOPSIGNAL SIGTERM
ENTRYPOINT ["harvester"]

# A TON in memory. Clients are told the address that the container has in its network.
FROM runtime AS chain
COPY --from=chain-environment /opt/harvester /opt/harvester
COPY --chmod=755 deploy/docker/chain /usr/local/bin/
EXPOSE 8082 9200
HEALTHCHECK --interval=2s --timeout=5s --start-period=30s CMD ["test", "-s", "/chain/network.json"]
ENTRYPOINT ["chain"]

# The reverse proxy is built on the Debian of the image that it runs in, whose C library it uses.
FROM golang:1.26-${DEBIAN} AS proxy
ARG SITE_PROXY
RUN git clone --depth 1 --branch "$SITE_PROXY" https://github.com/tonutils/reverse-proxy /src
WORKDIR /src
RUN go build -trimpath -ldflags "-s -w -X main.GitCommit=$SITE_PROXY" -o /tonutils-reverse-proxy ./cmd/proxy

FROM runtime AS site
COPY --from=daemon-environment /opt/harvester /opt/harvester
COPY --from=proxy /tonutils-reverse-proxy /usr/local/bin/
# The configuration holds the site's private key. It is written at each start; `compose.yaml` keeps it in memory.
WORKDIR /run/site
HEALTHCHECK NONE
EXPOSE 3333/udp
ENTRYPOINT ["sh", "-c", "harvester site config && exec tonutils-reverse-proxy"]

# The last stage is what is built if no target is named.
FROM runtime AS daemon
COPY --from=daemon-environment /opt/harvester /opt/harvester
COPY deploy/docker/healthcheck.py /opt/harvester/
# Inside a container the loopback interface reaches nobody: what is published is decided where the container is run.
ENV HOST=0.0.0.0 \
    METRICS=0.0.0.0:9108 \
    DATA_DIR=/var/lib/harvester
EXPOSE 8081 9108
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "/opt/harvester/healthcheck.py"]
CMD ["run"]

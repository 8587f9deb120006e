# syntax=docker/dockerfile:1
# The daemon with the TON adapter; PostgreSQL is outside (POSTGRES_URI). Settings: environment variables.
ARG PYTHON=3.13

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

FROM python:${PYTHON}-slim
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

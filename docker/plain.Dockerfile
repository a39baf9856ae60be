# The suite with ROS 2 from wheels; simulated arms only.
FROM python:3.11-bookworm

# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libegl1 libgl1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1001 researcher \
 && install -d -o researcher -g researcher /async_rl /async_rl/runs

WORKDIR /async_rl
COPY --chown=researcher:researcher . .
USER 1001
RUN make build

VOLUME /async_rl/runs
ENTRYPOINT ["tools/run.sh"]
CMD ["async_rl", "launch", "reacher"]

FROM python:3.11-bookworm

RUN apt-get update \
 && apt-get install -y --no-install-recommends libegl1 libgl1 \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /async_rl
COPY . .
RUN make build

ENTRYPOINT ["tools/run.sh"]
CMD ["async_rl", "launch", "reacher"]

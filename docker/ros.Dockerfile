FROM ros:kilted

RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential python3-dev python3-venv python3-pip libegl1 libgl1 \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /async_rl
COPY . .
RUN apt-get update \
 && rosdep update --rosdistro kilted \
 && rosdep install --from-paths src --ignore-src -y --rosdistro kilted \
      --skip-keys "python3-pytorch-pip python3-mujoco-pip python3-tensorboard-pip" \
 && rm -rf /var/lib/apt/lists/*
RUN . /opt/ros/kilted/setup.sh && make build

ENTRYPOINT ["/ros_entrypoint.sh", "tools/run.sh"]
CMD ["ros2", "launch", "async_rl", "reacher.launch.py"]

#!/bin/sh
# Runs $SPILLWAY_PROGRAM inside the network namespace $SPILLWAY_NAMESPACE: for those who start one executable by
# name, with arguments of their own.
exec ip netns exec "$SPILLWAY_NAMESPACE" "$SPILLWAY_PROGRAM" "$@"

#!/bin/sh
# Runs $E2E_PROGRAM inside the network namespace $E2E_NAMESPACE: for those who start one executable by
# name, with arguments of their own.
exec ip netns exec "$E2E_NAMESPACE" "$E2E_PROGRAM" "$@"

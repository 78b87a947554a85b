#!/usr/bin/env bash
# A real Slurm of one node on this machine, for tests: slurm.sh check | start | stop | run COMMAND...
#
# Needs root and Debian's packages (below), and no systemd. Where a Slurm runs that this did not start, or
# its configuration stands, nothing is touched. The configuration has to stand at /etc/slurm, since
# the steps of a job find it there alone; all else is in one folder, which `stop` removes with it. `check`
# says what is missing. `run` has a Slurm for as long as a command runs, one at a time on a machine: who
# comes second waits.
set -euo pipefail

PACKAGES=(munge slurmctld slurmd slurm-client)
CONFIGURATION=/etc/slurm/slurm.conf
STATE=/run/slurm-of-tests
MARK="# written by tests/tools/slurm.sh, which removes it"
PATIENCE=120 # seconds for anything to start or to end

fail() {
    echo "Error: $*" >&2
    exit 1
}

# $1 seconds until the command that follows succeeds
within() {
    local left=$((10 * $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((left-- > 0)) || return 1
        sleep 0.1
    done
}

ours() {
    [ -f "$CONFIGURATION" ] && [ "$(head -n 1 "$CONFIGURATION")" = "$MARK" ]
}

# whether a process is of a name, and lives: one that ended stays listed until its parent asks
lives() {
    [ "$(cat "/proc/$1/comm")" = "$2" ] && ! grep -q "^State:.*zombie" "/proc/$1/status"
} 2>/dev/null

ended() {
    ! lives "$@"
}

idle() {
    [ "$(sinfo --noheader --partition all --format %t)" = idle ]
}

no_jobs() {
    [ -z "$(squeue --noheader --states PD,R,CG,CF,S)" ]
}

# the processes of a name, of any parent
named() {
    local found
    for found in /proc/[0-9]*; do
        if lives "${found#/proc/}" "$1"; then echo "${found#/proc/}"; fi
    done
}

check() {
    local package missing=()
    [ "$(id -u)" = 0 ] || fail "a Slurm for tests is started as root"
    for package in "${PACKAGES[@]}"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] || fail "a Slurm for tests needs Debian's ${missing[*]}:" \
        "apt-get install --no-install-recommends ${missing[*]}"
    if [ -e "$CONFIGURATION" ] && ! ours; then
        fail "$CONFIGURATION is of another Slurm; nothing is touched"
    fi
    if ! ours && [ -n "$(named slurmctld)$(named slurmd)" ]; then
        fail "another Slurm runs on this machine; nothing is touched"
    fi
}

configure() {
    local host memory
    host=$(hostname -s)
    memory=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
    mkdir -p "$STATE"/{munge,controller,node} "$(dirname "$CONFIGURATION")"
    chmod 755 "$STATE" "$STATE/munge"
    (umask 077 && head -c 1024 /dev/urandom >"$STATE/munge/key")
    cat >"$CONFIGURATION" <<END
$MARK
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$STATE/munge/socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/node
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/slurmd.log
# a container has no control groups of its own
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# two CPUs, whatever the machine has
SlurmdParameters=config_overrides
ReturnToService=2
# ended jobs can be asked for as long as a run of the tests may take
MinJobAge=7200
KillWait=5
MessageTimeout=60
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=$memory
PartitionName=all Nodes=$host Default=YES
PartitionName=short Nodes=$host
END
}

start() {
    check
    # of a run that was killed
    if ours; then stop; fi
    configure
    munged --force --key-file "$STATE/munge/key" --socket "$STATE/munge/socket" \
        --pid-file "$STATE/munged.pid" --log-file "$STATE/munged.log" --seed-file "$STATE/munge/seed"
    slurmctld
    slurmd
    if ! within "$PATIENCE" idle; then
        tail -n 20 "$STATE"/*.log >&2
        stop
        fail "the node of the Slurm for tests is not idle after $PATIENCE seconds; its logs are above"
    fi
}

stop() {
    local name pid
    ours || return 0
    if [ -f "$STATE/slurmctld.pid" ]; then
        scancel --full --user root >/dev/null 2>&1 || true
        within "$PATIENCE" no_jobs || echo "Warning: jobs are left in the Slurm for tests" >&2
    fi
    for name in slurmd slurmctld munged; do
        pid=$(cat "$STATE/$name.pid" 2>/dev/null || true)
        # a number may be another process's by now
        lives "$pid" "$name" || continue
        kill "$pid"
        within 20 ended "$pid" "$name" || kill -9 "$pid"
    done
    # what watched over jobs belongs to no one else: no other Slurm runs here
    for pid in $(named slurmstepd); do
        kill -9 "$pid" || true
    done
    rm -rf "$STATE" "$CONFIGURATION"
}

case "${1-}" in
check) check ;;
start) start ;;
stop) stop ;;
run)
    shift
    check
    exec 9>/run/lock/slurm-of-tests
    flock 9
    trap stop EXIT
    start 9>&-
    "$@" 9>&-
    ;;
*)
    echo "usage: $0 check | start | stop | run COMMAND..." >&2
    exit 2
    ;;
esac

#!/bin/bash
# hub as a contender: HUB=/path/to/hub, HUB_CONNECTORS=/path/to/connectors. One call = one measured repetition of one workload.
. "$(cd "$(dirname "$0")/.." && pwd)/env.sh"; N=${N:-1000000}; H=${HUB:?}; g() { python3 $BENCH/hub/gen.py "$@"; }
fresh() { rm -rf $WORK/hub_$1; mkdir -p $WORK/hub_$1 $OUTD/hub; }
case $1 in
 w1) fresh w1; g file $N $OUTD/hub/hub.ndjson - $WORK/hub_w1; (cd $WORK/hub_w1; m hub w1 $N jsonl:$OUTD/hub/hub.ndjson $H run --quiet manifest.toml);;
 w2) N=${NPG:-200000}; fresh w2; g pg $N - - $WORK/hub_w2; sql -c 'drop table if exists hub_progress'; sql -v t=hub_orders -f $BENCH/ref/schema.sql 2>/dev/null
     # A hub compiles a connector once on a machine: what is measured is a sync.
     (cd $WORK/hub_w2; $H run --quiet --limit 1 manifest.toml >/dev/null 2>&1; $H state reset orders0 --yes orders0 >/dev/null; sql -c 'drop table if exists hub_progress'; sql -v t=hub_orders -f $BENCH/ref/schema.sql 2>/dev/null; m hub w2 $N pg:hub_orders $H run --quiet manifest.toml; m hub w2u $N pg:hub_orders $H run --quiet manifest.toml);;
 w4) fresh w4; g inc 100 $OUTD/hub/hub4.ndjson - $WORK/hub_w4; (cd $WORK/hub_w4; rm -f $OUTD/hub/hub4.ndjson; $H run --quiet manifest.toml; for i in 1 2 3; do m hub w4 1 "" $H run --quiet manifest.toml; done);;
 w5) fresh w5; g many 100 $OUTD/hub/hub5.ndjson - $WORK/hub_w5 200; (cd $WORK/hub_w5; $H run --quiet manifest.toml >/dev/null; m hub-one-process w5 200 "" $H run --quiet manifest.toml)
     fresh w5p; g file 100 $OUTD/hub/hub5p.ndjson - $WORK/hub_w5p; (cd $WORK/hub_w5p; $H run --quiet manifest.toml >/dev/null; m hub-200-processes w5 200 "" bash -c "for i in \$(seq 200); do $H run --quiet manifest.toml >/dev/null; done");;
esac

//! The control: a judge that finds nothing where a row was taken away, doubled or changed proves nothing, nor does one that believes any log.

use super::round::{Field, Measure};
use super::way::Way;
use crate::faults::matrix::ensure;
use crate::faults::matrix::site::Site;
use crate::process::Result;

/// Spoils the table of a run that was good, behind hub's back, in each way once.
pub fn bites(field: &mut Field<'_>, prepared: &[(Way, Site, Measure)]) -> Result<&'static str> {
    for (way, site, _) in prepared.iter().filter(|(way, ..)| *way != Way::Read) {
        let table = format!("crm.{}", way.name());
        let (site, _) = field.run_well(*way, site)?;
        let spoiled = |statement: &str, back: &str| {
            field.stage.sql(&statement.replace("TABLE", &table))?;
            let found = field.judge(*way, &site);
            field.stage.sql(&back.replace("TABLE", &table))?;
            found
        };
        let back = "DELETE FROM TABLE WHERE id = 7; INSERT INTO TABLE SELECT id, first_name, email FROM crm.source WHERE id = 7";
        let lost = spoiled("DELETE FROM TABLE WHERE id = 7", back)?;
        ensure((lost.lost, lost.twice, lost.changed) == (1, 0, 0), || format!("a row that was taken away: {lost:?}"))?;
        let changed = spoiled("UPDATE TABLE SET email = 'x' WHERE id = 7", back)?;
        ensure((changed.lost, changed.twice, changed.changed) == (0, 0, 1), || format!("a row that was changed: {changed:?}"))?;
        if *way != Way::Upsert {
            let twice = spoiled("INSERT INTO TABLE SELECT id, first_name, email FROM crm.source WHERE id = 7", back)?;
            ensure((twice.lost, twice.twice, twice.changed) == (0, 1, 0), || format!("a row that was doubled: {twice:?}"))?;
        }
        let good = field.judge(*way, &site)?;
        ensure(good.is_nothing(), || format!("rows that were put back: {good:?}"))?;
    }
    Ok("a row that was taken away, doubled or changed is told")
}

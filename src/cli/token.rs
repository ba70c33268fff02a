//! `throughline token`: secrets that let users in.

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use entity::project_member::Role;
use entity::user::{InstanceRole, UserKind};
use entity::{project, project_member};
use sea_orm::{ActiveEnum as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::{carry_out, find_project, user};
use crate::access::token::{self, NewToken};
use crate::app;
use crate::batch::id;
use crate::clock;
use crate::config::{DEFAULT_FILE, DatabaseSettings};
use crate::database::Database;
use crate::project_members::rules::parse_role;
use crate::project_members::writes::AddProjectMember;
use crate::users::rules::{UserName, parse_instance_role, parse_user_kind};

/// Make, list and take back the tokens with which users get in
#[derive(clap::Args)]
pub(super) struct TokenCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a token, and print it: it is not to be had again
    Create {
        #[command(flatten)]
        token: CreateToken,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// List tokens: whom they let in, how far, until when, and when they were last used
    List {
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Take a token back: within seconds it lets nobody in, and ends what is open
    Revoke {
        /// The token's id, as the list shows it
        id: Uuid,
        #[command(flatten)]
        database: DatabaseSettings,
    },
}

#[derive(clap::Args)]
struct CreateToken {
    /// Whom it lets in, by name; the user is made where there is none
    #[arg(long, value_name = "NAME")]
    user: String,
    /// What a user that is made is: person, agent or service
    #[arg(long, default_value = "person", value_parser = parse_user_kind)]
    kind: UserKind,
    /// What a user that is made may do on the whole instance: member, auditor or admin
    #[arg(long, value_name = "ROLE", default_value = "member", value_parser = parse_instance_role)]
    instance_role: InstanceRole,
    /// The most that the token is good for in projects; with a project, the user becomes a member there with this role
    #[arg(long, value_parser = parse_role)]
    role: Option<Role>,
    /// The only project that it is good for, by name or id; all of the user's where none is named
    #[arg(long)]
    project: Option<String>,
    /// How long it lets in, as 90d or 12h, or until when, as 2027-01-31; without an end where it is `never`
    #[arg(long, value_name = "TIME", default_value = "90d")]
    expires: String,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "made on the command line")]
    name: String,
}

impl TokenCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let settings = match &self.action {
            Action::Create { database, .. } | Action::List { database } | Action::Revoke { database, .. } => database,
        };
        let database = app::open(&settings.url_or(DEFAULT_FILE), &settings.pool()).await?;
        let done = match self.action {
            Action::Create { token, .. } => token.create(&database).await,
            Action::List { .. } => list(&database).await,
            Action::Revoke { id, .. } => revoke(&database, id).await,
        };
        database.close().await?;
        done
    }
}

impl CreateToken {
    async fn create(self, database: &Database) -> anyhow::Result<()> {
        let now = clock::now();
        let expires_at = parse_end(&self.expires, now)?;
        ensure!((1..=255).contains(&self.name.chars().count()), "--name must have 1 to 255 characters");
        let project = match &self.project {
            Some(text) => Some(find_project(database, text).await?),
            None => None,
        };
        let user = match user::find(database, &self.user).await? {
            Some(user) if user.deleted_at.is_some() => {
                bail!("the user {:?} is deleted; `throughline user restore` lets it in again", self.user)
            }
            Some(user) => user.id,
            None => user::create(database, &self.user, self.kind, self.instance_role).await?,
        };
        if let (Some(project), Some(role)) = (&project, self.role) {
            join(database, project, (user, &self.user), role).await?;
        }
        let project = project.map(|project| project.id);
        let new = NewToken { user, name: self.name, project, role: self.role, expires_at };
        let (id, secret) = token::create(database, new).await?;
        let until = expires_at.map_or("without an end".to_owned(), |end| format!("until {}", end.format("%F %R UTC")));
        eprintln!("The token {id} lets {:?} in {until}. It is not shown again:", self.user);
        super::print(&format!("{}\n", secret.reveal()))
    }
}

/// Makes the user a member, unless it is one with this role or a higher one.
async fn join(
    database: &Database,
    project: &project::Model,
    (user, name): (Uuid, &str),
    role: Role,
) -> anyhow::Result<()> {
    let member = project_member::Entity::find()
        .filter(project_member::Column::UserId.eq(user))
        .filter(project_member::Column::ProjectId.eq(project.id))
        .one(database.reader())
        .await?;
    match member {
        Some(member) if member.role >= role => Ok(()),
        Some(member) => bail!(
            "{name:?} is only a {} of {:?}; let an owner change the role first (changeProjectRole)",
            member.role.to_value(),
            project.name
        ),
        None => {
            let user = UserName::try_from(name.to_owned())?;
            carry_out(database, AddProjectMember { id: Uuid::now_v7(), project: project.id, user, role }).await?;
            eprintln!("Made {name:?} a {} of {:?}.", role.to_value(), project.name);
            Ok(())
        }
    }
}

async fn list(database: &Database) -> anyhow::Result<()> {
    let now = clock::now();
    for (user, token) in token::list(database).await? {
        let time = |time: DateTime<Utc>| time.format("%F %R UTC").to_string();
        let role = token.role.map_or_else(String::new, |role| format!(", at most {}", role.to_value()));
        let project =
            token.project_id.map_or_else(String::new, |key| format!(", in {} only", id::format("project", key)));
        let end = match (token.revoked_at, token.expires_at) {
            (Some(at), _) => format!("taken back {}", time(at)),
            (None, Some(end)) if end <= now => format!("ended {}", time(end)),
            (None, Some(end)) => format!("until {}", time(end)),
            (None, None) => "without an end".to_owned(),
        };
        let used = token.last_used_at.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", time(at)));
        super::print(&format!("{}  {user}{role}{project}, {end}, {used}: {}\n", token.id, token.name))?;
    }
    Ok(())
}

async fn revoke(database: &Database, id: Uuid) -> anyhow::Result<()> {
    ensure!(token::revoke(database, id).await?, "there is no token {id} that was still good");
    eprintln!("The token {id} lets nobody in any more.");
    Ok(())
}

/// When a token ends: in so many days or hours, on a date, or never.
fn parse_end(text: &str, now: DateTime<Utc>) -> anyhow::Result<Option<DateTime<Utc>>> {
    if text == "never" {
        return Ok(None);
    }
    let count = |unit: char| text.strip_suffix(unit).and_then(|count| count.parse::<u32>().ok()).map(i64::from);
    let end = match (count('d'), count('h')) {
        (Some(days), _) => TimeDelta::try_days(days).and_then(|span| now.checked_add_signed(span)),
        (_, Some(hours)) => TimeDelta::try_hours(hours).and_then(|span| now.checked_add_signed(span)),
        _ => {
            let date = text.parse::<chrono::NaiveDate>().ok().and_then(|date| date.and_hms_opt(0, 0, 0));
            date.map(|date| date.and_utc()).or_else(|| text.parse().ok())
        }
    };
    let end = end.with_context(|| format!("--expires {text:?} must be like 90d, 12h, 2027-01-31 or never"))?;
    ensure!(end > now, "--expires {text:?} is in the past");
    Ok(Some(clock::whole_microseconds(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_span_a_date_or_never() {
        let now: DateTime<Utc> = "2026-11-29T10:00:00Z".parse().unwrap();
        let end = |text: &str| {
            parse_end(text, now).map(|end| end.map(|end| end.to_rfc3339())).map_err(|error| error.to_string())
        };
        assert_eq!(end("90d").unwrap().unwrap(), "2027-02-27T10:00:00+00:00");
        assert_eq!(end("12h").unwrap().unwrap(), "2026-11-29T22:00:00+00:00");
        assert_eq!(end("2027-01-31").unwrap().unwrap(), "2027-01-31T00:00:00+00:00");
        assert_eq!(end("2027-01-31T12:00:00+02:00").unwrap().unwrap(), "2027-01-31T10:00:00+00:00");
        assert_eq!(end("never").unwrap(), None);
        for wrong in ["", "d", "-1d", "1w", "tomorrow", "99999999999d", "2026-11-28", "0d"] {
            assert!(end(wrong).unwrap_err().starts_with("--expires"), "{wrong}");
        }
    }
}

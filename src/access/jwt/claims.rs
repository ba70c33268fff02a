//! What a token says of its bearer.
//!
//! A token of which `act` tells somebody (RFC 8693, section 4.1) is used by that one, the actor, on behalf of its subject: the actor is who
//! asks, and the subject is for whom. Who acted before in a chain of them is history, which decides nothing, and is not read.
//!
//! **Invariant:** what is wrong in a claim refuses the token; nothing is taken to be what it might have meant. Whether there is such a
//! project as a role is for is not asked here: who reads the claims drops roles in others.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::TokenError;
use crate::access::{ActorKind, Role};
use crate::closed_set::parse_word;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who asks, as the issuer names them.
    pub subject: String,
    /// What kind of actor that is, if it is told; who acts on behalf of somebody is an agent where it is not.
    pub kind: Option<ActorKind>,
    /// What people call them.
    pub name: Option<String>,
    /// Whether they may do everything.
    pub is_admin: bool,
    /// Whether they may read the audit.
    pub is_auditor: bool,
    /// What they may do where: the id of a project, or `*` for all of them.
    pub roles: Vec<(String, Role)>,
    /// For whom they act.
    pub on_behalf_of: Option<String>,
    /// The agent's run or the CI job.
    pub run_id: Option<String>,
    /// When the token's time is over.
    pub expires_at: DateTime<Utc>,
}

/// What `OpenID` Connect (Core, section 2) allows for a subject.
const LONGEST_TEXT: usize = 255;

type Object = Map<String, Value>;

impl Claims {
    /// Reads the claims of a token whose signature, issuer, audience and time are right. `claim` is the one that tells what its bearer may
    /// do.
    pub(super) fn read(claims: &Object, claim: &str) -> Result<Self, TokenError> {
        let subject = text(claims, "sub", "sub")?.ok_or(TokenError::Claim("sub"))?;
        let expires_at = claims.get("exp").and_then(time).ok_or(TokenError::Claim("exp"))?;
        let rights = object(claims, claim, "of rights")?;
        let right = |name| rights.map_or(Ok(None), |rights| text(rights, name, "of rights"));
        let flag = |name| match rights.and_then(|rights| rights.get(name)) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(is_so)) => Ok(*is_so),
            Some(_) => Err(TokenError::Claim("of rights")),
        };
        let kind = right("kind")?.map(|kind| kind_of(&kind)).transpose()?;
        let actor = actor(claims)?;
        let is_for_somebody = actor.is_some();
        let (subject, name, on_behalf_of) = match actor {
            // The token's name is its subject's.
            Some(actor) => (actor.subject, actor.name, Some(subject)),
            None => (subject, text(claims, "name", "name")?, None),
        };
        Ok(Self {
            subject,
            kind: kind.or(is_for_somebody.then_some(ActorKind::Agent)),
            name,
            is_admin: flag("admin")?,
            is_auditor: flag("auditor")?,
            roles: roles(rights)?,
            on_behalf_of,
            run_id: right("run_id")?,
            expires_at,
        })
    }
}

/// Who acts for the subject.
struct Actor {
    subject: String,
    name: Option<String>,
}

/// The actor of a token, if it has one.
fn actor(claims: &Object) -> Result<Option<Actor>, TokenError> {
    const WRONG: TokenError = TokenError::Claim("act");
    let Some(actor) = object(claims, "act", "act")? else { return Ok(None) };
    // Another issuer may give the same name to somebody else.
    if actor.get("iss").is_some_and(|issuer| Some(issuer) != claims.get("iss")) {
        return Err(WRONG);
    }
    let subject = text(actor, "sub", "act")?.ok_or(WRONG)?;
    Ok(Some(Actor { subject, name: text(actor, "name", "act")? }))
}

fn roles(rights: Option<&Object>) -> Result<Vec<(String, Role)>, TokenError> {
    let Some(rights) = rights else { return Ok(Vec::new()) };
    let Some(roles) = object(rights, "roles", "of rights")? else { return Ok(Vec::new()) };
    let role = |(project, role): (&String, &Value)| {
        let role = role.as_str().and_then(|word| parse_word(word).ok()).filter(|_| is_text(project));
        Ok((project.clone(), role.ok_or(TokenError::Claim("of rights"))?))
    };
    roles.iter().map(role).collect()
}

fn kind_of(word: &str) -> Result<ActorKind, TokenError> {
    let kinds = [ActorKind::Person, ActorKind::Agent, ActorKind::Service];
    kinds.into_iter().find(|kind| kind.as_str() == word).ok_or(TokenError::Claim("of rights"))
}

/// A claim that is text, if it is there; `told` is what a refusal calls it.
fn text(claims: &Object, name: &str, told: &'static str) -> Result<Option<String>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if is_text(text) => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::Claim(told)),
    }
}

/// A claim that is an object, if it is there.
fn object<'c>(claims: &'c Object, name: &str, told: &'static str) -> Result<Option<&'c Object>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(TokenError::Claim(told)),
    }
}

/// Whether a text can stand in a row and in a line of the log.
fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control)
}

/// A number of seconds since 1970, which may have a fraction.
fn time(seconds: &Value) -> Option<DateTime<Utc>> {
    let whole = seconds.as_i64().or_else(|| {
        let seconds = seconds.as_f64()?;
        // What is further away is no time that chrono knows.
        #[expect(clippy::cast_possible_truncation, reason = "it is within bounds")]
        (seconds.abs() < 1e13).then_some(seconds.floor() as i64)
    })?;
    DateTime::from_timestamp(whole, 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(more: &Value) -> Result<Claims, TokenError> {
        let mut claims = json!({ "iss": "https://issuer.example", "sub": "ada", "exp": 2_000_000_000 });
        claims.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        Claims::read(claims.as_object().unwrap(), "throughline")
    }

    #[test]
    fn a_token_may_say_little_or_all() {
        let little = read(&json!({})).unwrap();
        assert_eq!((little.subject.as_str(), little.kind, &*little.roles), ("ada", None, &[][..]));
        assert!(!little.is_admin && !little.is_auditor && little.on_behalf_of.is_none() && little.run_id.is_none());
        assert_eq!(little.expires_at.timestamp(), 2_000_000_000);
        let rights = json!({
            "kind": "service", "admin": true, "auditor": true, "run_id": "ci-7",
            "roles": { "*": "viewer", "project_01": "owner" }, "more": 1,
        });
        let all = read(&json!({ "name": "Ada", "throughline": rights, "exp": 2_000_000_000.5 })).unwrap();
        let expected = Claims {
            subject: "ada".to_owned(),
            kind: Some(ActorKind::Service),
            name: Some("Ada".to_owned()),
            is_admin: true,
            is_auditor: true,
            roles: vec![("*".to_owned(), Role::Viewer), ("project_01".to_owned(), Role::Owner)],
            on_behalf_of: None,
            run_id: Some("ci-7".to_owned()),
            expires_at: DateTime::from_timestamp(2_000_000_000, 0).unwrap(),
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn who_acts_is_who_asks() {
        let chain = json!({ "sub": "robot", "name": "Robot", "act": { "sub": "an-earlier-one" } });
        let claims = read(&json!({ "name": "Ada", "act": chain })).unwrap();
        assert_eq!((claims.subject.as_str(), claims.name.as_deref()), ("robot", Some("Robot")));
        assert_eq!((claims.on_behalf_of.as_deref(), claims.kind), (Some("ada"), Some(ActorKind::Agent)));
        // The same name of another issuer is somebody else.
        let same = json!({ "act": { "sub": "robot", "iss": "https://issuer.example" } });
        assert_eq!(read(&same).unwrap().subject, "robot");
        for wrong in [
            json!({ "sub": "robot", "iss": "https://other.example" }),
            json!({ "iss": "https://issuer.example" }),
            json!({ "sub": "" }),
            json!("robot"),
            json!([]),
        ] {
            assert_eq!(read(&json!({ "act": wrong })), Err(TokenError::Claim("act")), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_refuses_the_token() {
        let long = "x".repeat(256);
        for (name, wrong, told) in [
            ("sub", json!(7), "sub"),
            ("sub", json!(" "), "sub"),
            ("sub", json!("a\nb"), "sub"),
            ("sub", json!(long), "sub"),
            ("sub", json!(null), "sub"),
            ("exp", json!("soon"), "exp"),
            ("exp", json!(1e300), "exp"),
            ("exp", json!(9_000_000_000_000_000_i64), "exp"),
            ("name", json!(["Ada"]), "name"),
            ("throughline", json!("admin"), "of rights"),
            ("throughline", json!({ "admin": "true" }), "of rights"),
            ("throughline", json!({ "auditor": 1 }), "of rights"),
            ("throughline", json!({ "kind": "Person" }), "of rights"),
            ("throughline", json!({ "roles": ["owner"] }), "of rights"),
            ("throughline", json!({ "roles": { "*": "OWNER" } }), "of rights"),
            ("throughline", json!({ "roles": { "": "owner" } }), "of rights"),
            ("throughline", json!({ "run_id": 7 }), "of rights"),
        ] {
            assert_eq!(read(&json!({ name: wrong })), Err(TokenError::Claim(told)), "{name}: {wrong}");
        }
    }
}

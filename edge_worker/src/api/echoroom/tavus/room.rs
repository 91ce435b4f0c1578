//! Which room an avatar is meant for when only a mood was said.

use serde::Deserialize;
use uuid::Uuid;

use crate::api::{Caller, Refused};
use crate::app::App;
use crate::error::ApiError;

/// A seat of the caller.
#[derive(Debug, Deserialize)]
struct Seat {
    session_id: Uuid,
    mood: Option<String>,
    sessions: Option<Room>,
}

#[derive(Debug, Deserialize)]
struct Room {
    category: String,
    is_active: bool,
}

/// The one open room of this mood in which the caller sits. Either the room or the caller has the mood.
pub(super) async fn of_mood(app: &App, caller: &Caller, mood: Option<&str>) -> Result<Uuid, Refused> {
    // Whoever is no user has no seat; asking for nobody's tells them why they are refused.
    let user_id = caller.user_id().unwrap_or_default();
    let seats = app
        .data
        .table("participants")
        .select("session_id,mood,sessions(category,is_active)")
        .eq("user_id", user_id.to_string());
    let seats: Vec<Seat> = app.data.send(caller, "list_own_seats", seats).await?.json()?;
    only(&seats, mood).ok_or_else(|| ApiError::SessionIdNeeded.into())
}

fn only(seats: &[Seat], mood: Option<&str>) -> Option<Uuid> {
    let wanted = mood?.trim().to_lowercase();
    let has_mood = |text: &str| text.to_lowercase() == wanted;
    let mut fitting = seats.iter().filter(|seat| {
        let room = seat.sessions.as_ref().filter(|room| room.is_active);
        room.is_some_and(|room| has_mood(&room.category) || seat.mood.as_deref().is_some_and(has_mood))
    });
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first.session_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(number: u128, mood: &str, category: &str, is_active: bool) -> Seat {
        Seat {
            session_id: Uuid::from_u128(number),
            mood: Some(mood.to_owned()),
            sessions: Some(Room {
                category: category.to_owned(),
                is_active,
            }),
        }
    }

    #[test]
    fn room_is_taken_only_where_there_is_no_other() {
        let found = |seats: &[Seat], mood| only(seats, mood).map(|id| id.as_u128());
        let seats = [
            seat(1, "calm", "Joyful", true),
            seat(2, "lonely", "Hopeful", true),
            seat(3, "lonely", "Loving", false),
        ];
        assert_eq!(found(&seats, Some(" JOYFUL ")), Some(1), "of the room");
        assert_eq!(
            found(&seats, Some("Lonely")),
            Some(2),
            "of the caller, in a room that is open"
        );
        assert_eq!(found(&seats, Some("Loving")), None, "closed");
        assert_eq!(found(&seats, Some("Angry")), None);
        assert_eq!(found(&seats, None), None);
        let two = [seat(1, "calm", "Joyful", true), seat(2, "joyful", "Calm", true)];
        assert_eq!(found(&two, Some("calm")), None, "it is not clear which");
        assert_eq!(found(&[], Some("calm")), None);
    }
}

// What events say about the seats. It hurries what `room_state` says anyway, and is put right by it.

import type { Payload } from '../../line';
import type { Seat } from './api';

export type Seats = ReadonlyMap<string, Seat>;

/** The seats after an event about somebody; the same ones when it says nothing about them. */
export function seatsAfter(seats: Seats, event: string, userId: string, payload: Payload): Seats {
    const held = seats.get(userId);
    switch (event) {
        case 'user-joined':
        case 'user-updated':
            return withSeat(seats, seatFrom(userId, payload));
        case 'voice-status':
            return held ? withSeat(seats, { ...held, is_speaking: payload['isSpeaking'] === true, is_muted: payload['isMuted'] === true }) : seats;
        case 'user-left':
            return withoutSeat(seats, userId);
        default:
            return seats;
    }
}

export function withSeat(seats: Seats, seat: Seat): Seats {
    return new Map(seats).set(seat.user_id, seat);
}

export function withoutSeat(seats: Seats, userId: string): Seats {
    const rest = new Map(seats);
    return rest.delete(userId) ? rest : seats;
}

function seatFrom(user_id: string, payload: Payload): Seat {
    const { user_name, mood, is_speaking, is_muted } = payload;
    return {
        user_id,
        user_name: typeof user_name === 'string' ? user_name : '',
        mood: typeof mood === 'string' ? mood : null,
        is_speaking: is_speaking === true,
        is_muted: is_muted === true,
    };
}

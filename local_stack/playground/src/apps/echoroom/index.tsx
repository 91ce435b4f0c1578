// EchoRoom: the lobby of moods, and the room one sits in. The address names the room, so a reload comes back to it, and a link leads
// somebody else into it.

import type { App, AppProps } from '../app';
import { Lobby } from './lobby';
import { RoomView } from './room_view';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function EchoRoom(props: AppProps) {
    return UUID.test(props.path) ? <RoomView key={props.path} {...props} sessionId={props.path} /> : <Lobby {...props} />;
}

export const echoroom: App = { id: 'echoroom', title: 'EchoRoom', identity: 'tab', View: EchoRoom };

import { channelCompliance } from './compliance/channels.ts';

channelCompliance('websocket', 'binary');
channelCompliance('websocket', 'json');

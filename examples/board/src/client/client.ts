// The client of GraphQL: questions and moves over HTTP, what changes over the WebSocket, and one cache between them and the page.
import { Client, fetchExchange, subscriptionExchange } from 'urql';

import { cache } from './cache';
import { follow } from './follow';

export const client = new Client({
  url: '/graphql',
  preferGetMethod: false,
  exchanges: [
    cache,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (operation) => ({
        subscribe: (sink) => ({ unsubscribe: follow(operation, sink) }),
      }),
    }),
  ],
});

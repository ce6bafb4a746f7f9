export * from 'hub:connector/sink@0.1.0';
